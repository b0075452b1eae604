export * as SqliteSpool from "./Spool.ts"
