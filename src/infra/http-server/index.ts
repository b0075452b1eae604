export * from "./Body.ts"
export * as HttpServerNode from "./HttpServer.ts"
