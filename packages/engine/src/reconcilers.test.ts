import { expect, it } from 'vitest'
import { setup } from './testing/index.js'
import { Reconcilers } from './reconcilers.js'

it('[IS1] a subject that fails leaves the others their work, is named, and is tried again later each time', async () => {
  const { vera, clock, pass } = await setup()
  const tries: string[] = []
  const told: [string, string][] = []
  let isMended = false
  const reconcilers = new Reconcilers(vera.replica, clock, undefined, (subject, what) => told.push([subject, what]))
  reconcilers.add({
    name: 'letters',
    subjects: () => [{ id: 'bad' }, { id: 'good' }],
    async react({ id }) {
      tries.push(id)
      if (id === 'bad' && !isMended) throw new Error('it is too large')
      return Promise.resolve()
    },
  })
  reconcilers.add({
    name: 'later',
    subjects: () => [{ id: 'good' }],
    async react() {
      tries.push('later')
      return Promise.resolve()
    },
  })
  const later = async (ms: number): Promise<void> => {
    clock.advance(ms)
    await pass(10)
  }
  reconcilers.start()
  await pass(10)
  expect(tries.slice(0, 3)).toEqual(['bad', 'good', 'later'])
  expect([reconcilers.failureOf('bad'), reconcilers.failureOf('good')]).toEqual(['letters: it is too large', undefined])
  const failing = (): number => tries.filter((id) => id === 'bad').length
  const before = failing()
  for (let second = 0; second < 20; second++) await later(1_000)
  expect(failing() - before).toBeGreaterThan(1)
  expect(failing() - before).toBeLessThan(6)
  isMended = true
  await later(60_000)
  expect(reconcilers.failureOf('bad')).toBeUndefined()
  expect(told.at(-1)).toEqual(['bad', ''])
  reconcilers.stop()
})
