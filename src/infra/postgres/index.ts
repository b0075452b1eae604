export * as PostgresClient from "./Client.ts"
export * as PostgresMigrations from "./Migrations.ts"
export * as PostgresRegistry from "./Registry.ts"
export * as PostgresStore from "./Store.ts"
