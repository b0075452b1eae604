export * as InternetClient from "./HttpClient.ts"
