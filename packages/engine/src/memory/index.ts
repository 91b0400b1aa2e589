export { ManualClock } from './clock.js'
export { seededRandom } from './random.js'
export { MemoryStore, type MemoryStoreFaults } from './store.js'
export { MemoryBrowser } from './tabs.js'
