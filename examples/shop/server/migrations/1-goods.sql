CREATE TABLE goods (
    name text PRIMARY KEY,
    cents integer NOT NULL CHECK (cents >= 0)
);
INSERT INTO goods VALUES ('Teapot', 2450), ('Cup', 790), ('Green tea, 100 g', 620);
