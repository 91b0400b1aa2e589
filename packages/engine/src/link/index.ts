export { Duties, type Duty } from './duties.js'
export { Link, type LinkOptions, type LinkStatus } from './link.js'
export type { DoorToken } from './door-requests.js'
export type { Hello, Told } from './session.js'
