export { connectionKey, mailboxId } from './keys.js'
export { open } from './seal-register.js'
