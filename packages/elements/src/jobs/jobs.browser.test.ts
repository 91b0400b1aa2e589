import { describe, expect, it } from 'vitest'
import '../define.js'
import { fakeEngine, quietLine } from '../testing/fake-engine.js'
import { accessibilityProblems, button, drawn, mount, textOf } from '../testing/mount.js'
import { job } from '../testing/scenes.js'

const error = { record: 'a', field: 'StageName', rule: 'offered value', message: 'No counterpart.', fix: 'Map the value.' }

describe('Paul’s exports', () => {
  it('show what the vendor answered and what was imported, told at quarters', async () => {
    const engine = fakeEngine({ jobs: [job({ exported: 9, imported: 6, done: false })] })
    const jobs = await mount('entente-jobs', { engine })
    expect(textOf(jobs)).toContain('9 / 10')
    expect(textOf(jobs)).toContain('6 / 10')
    const told = [...(jobs.shadowRoot?.querySelectorAll('[role=progressbar]') ?? [])].map((bar) => bar.getAttribute('aria-valuenow'))
    expect(told).toEqual(['75', '50'])
    expect(await accessibilityProblems()).toEqual([])
  })

  it('wait offline, and say so', async () => {
    const engine = fakeEngine({ jobs: [job({ exported: 0, imported: 0, done: false })], sync: { ...quietLine, state: 'offline' } })
    expect(textOf(await mount('entente-jobs', { engine }))).toContain('Waiting for the relay')
  })

  it('name what failed, and ask again for that once', async () => {
    const engine = fakeEngine({ jobs: [job({ imported: 8, failed: 2, errors: [error] })] })
    const jobs = await mount('entente-jobs', { engine })
    expect(textOf(jobs)).toContain('Map the value.')
    button(jobs, 'Ask again for the 2').click()
    button(jobs, 'Ask again for the 2').click()
    await drawn(jobs)
    expect(engine.calls).toEqual([['retry', 'job']])
  })
})
