export { Link, type LinkOptions, type LinkStatus } from './link.js'
export { RefusedOffers } from './refused-offers.js'
export type { GatewayToken } from './gateway-requests.js'
export type { Hello, Introduced, Introduction, Scope } from './session.js'
