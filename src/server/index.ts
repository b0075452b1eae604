export * as Admin from "./Admin.ts"
export * as Server from "./Program.ts"
export * as Database from "./Database.ts"
