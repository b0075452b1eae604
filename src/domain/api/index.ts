export * from "./Api.ts"
export * from "./Authorization.ts"
export * from "./Problem.ts"
