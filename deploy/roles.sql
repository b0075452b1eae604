-- Run once, when the database is made: the role that the API works with. It reads and writes rows and changes no table.
\getenv password P1_API_PASSWORD
create role p1_api login password :'password';
revoke create on schema public from public;
grant usage on schema public to p1_api;
alter default privileges in schema public grant select, insert, update, delete on tables to p1_api;
alter default privileges in schema public grant usage, select on sequences to p1_api;
