export * from "./RunProgram.ts"
export * from "./StartupError.ts"
