// What stands on undici is never called by the edge: it would be another 5 MB in memory.
export default {}
