import { EngineError, type JobError } from '@entente/engine'
import { describe, expect, it, vi } from 'vitest'
import '../define.js'
import { fakeEngine, quietLine } from '../testing/fake-engine.js'
import { accessibilityProblems, button, drawn, find, mount, textOf } from '../testing/mount.js'
import { field, job } from '../testing/scenes.js'

const error: JobError = {
  record: 'a',
  field: 'StageName',
  rule: 'offered value',
  message: 'No counterpart.',
  fix: 'Map the value.',
  listing: 'a',
  status: 'ExportSubscribeFieldMapError',
  name: 'Router refresh',
  label: 'Stage',
  value: 'Nurture',
  correct: field('StageName'),
}

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

  it('count as imported what was imported, and not what failed', async () => {
    const [vendor, partner] = (['vendor', 'partner'] as const).map((side) =>
      job({ id: side, side, exported: 9, imported: 6, skipped: 1, failed: 3 }),
    )
    const jobs = await mount('entente-jobs', { engine: fakeEngine({ jobs: [vendor, partner].flatMap((each) => each ?? []) }) })
    const counts = [...(jobs.shadowRoot?.querySelectorAll('.phase > :last-child') ?? [])].map(({ textContent }) => textContent)
    expect(counts).toEqual(['10 / 10', '7 / 10', '10 / 10', '7 / 10'])
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
    const engine = fakeEngine({ jobs: [job({ imported: 8, failed: 2 })], jobErrors: [error, { ...error, listing: 'b' }] })
    const jobs = await mount('entente-jobs', { engine })
    expect(textOf(jobs)).toContain('Map the value.')
    button(jobs, 'Ask again for the 2').click()
    button(jobs, 'Ask again for the 2').click()
    await drawn(jobs)
    expect(engine.calls).toEqual([['retry', 'job']])
  })

  it('are paused, resumed, and cancelled once he has agreed', async () => {
    const engine = fakeEngine({ jobs: [job({ imported: 6, done: false, perSecond: 2 })] })
    const jobs = await mount('entente-jobs', { engine })
    expect(textOf(jobs)).toContain('2 a second, less than a minute left')
    button(jobs, 'Pause').click()
    await drawn(jobs)
    engine.change({ jobs: [job({ imported: 6, done: false, state: 'paused' })] }, 'site')
    await drawn(jobs)
    expect(textOf(jobs)).toContain('Paused')
    button(jobs, 'Resume').click()
    await drawn(jobs)
    button(jobs, 'Cancel').click()
    await drawn(jobs)
    expect(find(jobs, 'dialog').textContent).toContain('Cancel this export of 10 opportunities, just now?')
    button(jobs, 'Cancel the export').click()
    await drawn(jobs)
    expect(engine.calls).toEqual([
      ['pause', 'job'],
      ['resume', 'job'],
      ['cancel', 'job'],
    ])
  })

  it('say why they wait', async () => {
    const waits = new EngineError('NOT_ALLOWED', 'The grant of this person has run out.')
    const engine = fakeEngine({ jobs: [job({ imported: 0, done: false, waits })] })
    expect(textOf(await mount('entente-jobs', { engine }))).toContain('The grant of this person has run out.')
  })

  it('are mended in place: he chooses a value for a record that failed, or for all alike', async () => {
    const engine = fakeEngine({ jobs: [job({ imported: 8, failed: 2 })], jobErrors: [error, { ...error, listing: 'b' }] })
    const jobs = await mount('entente-jobs', { engine })
    find<HTMLDetailsElement>(jobs, 'details').open = true
    await drawn(jobs)
    expect(textOf(jobs)).toContain('Router refresh · Stage: “Nurture”')
    expect(button(jobs, 'Retry with this').disabled).toBe(true)
    expect(textOf(jobs)).toContain('It counts as your edit of the copy.')
    const choice = find<HTMLSelectElement>(jobs, 'select')
    choice.value = 'Qualification'
    choice.dispatchEvent(new Event('change'))
    await drawn(jobs)
    expect(await accessibilityProblems()).toEqual([])
    button(jobs, 'Retry all 2 with this value').click()
    await drawn(jobs)
    expect(engine.calls).toEqual([['retry', 'job', { a: { StageName: 'Qualification' }, b: { StageName: 'Qualification' } }]])
  })

  it('of many records are drawn twice a second', async () => {
    const engine = fakeEngine({ jobs: [job({ total: 1_000, imported: 0, exported: 0, done: false })] })
    const jobs = await mount('entente-jobs', { engine })
    for (let imported = 1; imported <= 100; imported++)
      engine.change({ jobs: [job({ total: 1_000, imported, exported: imported, done: false })] }, 'site')
    await drawn(jobs)
    expect(textOf(jobs)).toContain('0 / 1,000')
    await vi.waitFor(() => expect(textOf(jobs)).toContain('100 / 1,000'), 2_000)
  })
})

describe('Vera’s exports', () => {
  it('say who asked, and are recalled once she has agreed; what stays is named with the reason', async () => {
    const people = [{ id: 'paul', name: 'Paul Okafor', granted: true, seated: true, objects: ['Lead'] as const, until: undefined }]
    const engine = fakeEngine({ jobs: [job({ side: 'vendor' })], people })
    const jobs = await mount('entente-jobs', { engine })
    expect(textOf(jobs)).toContain('By Paul Okafor')
    expect(textOf(jobs)).toContain('Partner imports')
    button(jobs, 'Recall').click()
    await drawn(jobs)
    expect(find(jobs, 'dialog').textContent).toContain('Recall this export of 10 opportunities, just now?')
    expect(await accessibilityProblems()).toEqual([])
    ;[...(jobs.shadowRoot?.querySelectorAll<HTMLButtonElement>('dialog button') ?? [])].at(-1)?.click()
    await drawn(jobs)
    expect(engine.calls).toEqual([['recall', 'job']])
    engine.change(
      {
        jobs: [job({ side: 'vendor', recall: { asked: 0, deleted: 9, kept: 1 } })],
        recalls: [{ record: 'a', name: 'Router refresh', outcome: 'edited' }],
      },
      'site',
    )
    await drawn(jobs)
    expect(textOf(jobs)).toContain('9 records taken back or deleted, 1 record kept.')
    expect(textOf(jobs)).toContain('Router refresh stays: the partner has edited its copy.')
    expect(() => button(jobs, 'Recall')).toThrow()
  })
})
