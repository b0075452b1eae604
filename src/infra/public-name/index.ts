export * as PublicName from "./Certificate.ts"
