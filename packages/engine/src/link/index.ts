export { Duties, type Duty } from './duties.js'
export { Link, type LinkOptions, type LinkStatus } from './link.js'
export type { DoorToken, Hello, Told } from './session.js'
