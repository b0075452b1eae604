export * as RedisCaches from "./Caches.ts"
export { layer as layerRedis, RedisConnection } from "./Connection.ts"
export * as RedisRateLimits from "./RateLimits.ts"
