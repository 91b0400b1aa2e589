export * from './generate.js'
export * from './sample-schema.js'
