ALTER TABLE goods ADD COLUMN stock integer NOT NULL DEFAULT 10 CHECK (stock >= 0);
