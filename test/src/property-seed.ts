import { afterEach } from 'vitest'

// Loaded before each file of unit tests. Property tests draw another seed on each run, so a failure has to say how the same draws are made again.

const seed = process.env['PROPERTY_SEED']
if (seed !== undefined) (await import('fast-check')).configureGlobal({ seed: Number(seed) })

afterEach(({ task }) => {
  for (const error of task.result?.errors ?? []) {
    const [, drawn] = /^\{ seed: (-?\d+), path: /m.exec(error.message) ?? []
    if (drawn === undefined) continue
    error.message += `\n\nRun it again: PROPERTY_SEED=${drawn} npx vitest run --project unit ${task.file.name}`
  }
})
