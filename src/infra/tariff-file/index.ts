export * from "./TariffFile.ts"
