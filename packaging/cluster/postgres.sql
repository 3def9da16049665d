-- Run by the container of PostgreSQL once, when it makes its database. What it is for: docs/cluster.md, "Set up the database".
create extension if not exists pg_trgm;
