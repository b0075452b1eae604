export * from "./Api.ts"
export * from "./Authorization.ts"
export { defaultTop, residentialVatPercent } from "./Capacity.ts"
export * from "./Problem.ts"
