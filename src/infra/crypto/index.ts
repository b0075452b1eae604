export * as CryptoSecrets from "./Secrets.ts"
