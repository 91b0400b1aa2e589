export { openIdbStore } from './idb-store.js'
export { type BrowserJoiningOptions, joinInBrowser } from './join.js'
export { type BrowserEngineOptions, openBrowserEngine } from './open.js'
export {
  forgetRelay,
  freeOrgName,
  hadOrg,
  keepOrg,
  keepRelay,
  keptOrgs,
  type KeptOrg,
  keptRelay,
  openOwnOrg,
  type OwnOrg,
  ownOrgStore,
} from './own-org.js'
export { askToPersist, type Persistence, persistence } from './persistence.js'
export { browserClock, browserRandom } from './platform.js'
export { StoreReader } from './store-reader.js'
export { openTabs } from './tabs.js'
export { openWebSocket } from './web-socket.js'
