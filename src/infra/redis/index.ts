export * as RedisConnection from "./Connection.ts"
export * as RedisRealtimeCache from "./RealtimeCache.ts"
