#!/bin/sh
# Builds the site into `public`: the pages of pages.tsv in their frames, the files that are named as
# arguments, and their checksums.
set -eu

rm -rf public.new
mkdir public.new
cp -- "$@" public.new

tab=$(printf '\t')
while IFS=$tab read -r name source; do
    sed -e "/<!-- content -->/r $source" -e '//d' "frames/$name" > "public.new/$name"
    echo "built $name"
done < pages.tsv

(cd public.new && cksum -- *) > checksums.new
mv checksums.new public.new/checksums

rm -rf public
mv public.new public
