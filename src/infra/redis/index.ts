export * as RedisRealtimeCache from "./RealtimeCache.ts"
