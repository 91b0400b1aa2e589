export { Decisions } from './decisions.js'
export { Judge } from './judge.js'
