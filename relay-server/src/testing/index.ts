export * from './client.js'
export * from './connection.js'
export * from './org.js'
export * from './relay.js'
