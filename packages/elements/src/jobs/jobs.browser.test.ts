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

  it('lead to what they made, once they are done', async () => {
    const engine = fakeEngine({ jobs: [job({ total: 50, imported: 49, done: false })], copies: ['a', 'b'] })
    const jobs = await mount('entente-jobs', { engine })
    expect(textOf(jobs)).not.toContain('View the')
    engine.change({ jobs: [job({ total: 50, imported: 50 })] }, 'site')
    await drawn(jobs)
    const heard: unknown[] = []
    jobs.addEventListener('entente-copies', (event) => heard.push((event as CustomEvent).detail))
    button(jobs, 'View the 2 records').click()
    expect(heard).toEqual([{ object: 'Opportunity', job: 'job' }])
    engine.change({ copies: [] }, 'records')
    await drawn(jobs)
    expect(textOf(jobs)).not.toContain('View the')
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
