export * as RedisCaches from "./Caches.ts"
export { RedisConnection } from "./Connection.ts"
