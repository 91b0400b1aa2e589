export * from './condition.js'
export * from './order.js'
export * from './query.js'
export * from './sharing-rule.js'
