export * from "./RunCommand.ts"
export * from "./RunProgram.ts"
export * from "./StartupError.ts"
export * as Settings from "./Settings.ts"
