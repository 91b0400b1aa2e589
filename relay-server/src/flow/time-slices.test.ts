import { performance } from 'node:perf_hooks'
import { expect, it } from 'vitest'
import { Burden } from './burden.js'
import { TimeSlices } from './time-slices.js'

const spin = (ms: number): void => {
  const end = performance.now() + ms
  while (performance.now() < end);
}

it('[CU5] gives the loop back between pieces of work, and does them in the order asked', async () => {
  const timeSlices = new TimeSlices(4, 100)
  let loops = 0
  let running = true
  const count = (): void => {
    loops++
    if (running) setImmediate(count)
  }
  setImmediate(count)
  const done: number[] = []
  await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      timeSlices.take(new Burden(), async () => {
        spin(3)
        done.push(index)
      }),
    ),
  )
  running = false
  expect(done).toEqual(Array.from({ length: 20 }, (_, index) => index))
  expect(loops).toBeGreaterThan(5)
})

it('[RL5] gives the next turn to whoever has lately used least, whoever came first (row 73)', async () => {
  const timeSlices = new TimeSlices(1)
  const [flood, vera] = [new Burden(60), new Burden()]
  const done: string[] = []
  const piece = (burden: Burden, name: string): Promise<void> =>
    timeSlices.take(burden, () => {
      spin(3)
      done.push(name)
    })
  const flooding = Array.from({ length: 10 }, () => piece(flood, 'flood'))
  await flooding[1]
  await Promise.all([piece(vera, 'vera'), ...flooding])
  expect(done.indexOf('vera')).toBeLessThan(5)
  expect(done.length).toBe(11)
})

it('[RL5] takes those who have used little in the order in which they came, so that who works a lot waits for none that comes later', async () => {
  const timeSlices = new TimeSlices(1)
  const done: string[] = []
  const piece = (burden: Burden, name: string): Promise<void> =>
    timeSlices.take(burden, () => {
      spin(3)
      done.push(name)
    })
  const pieces = [piece(new Burden(), 'first'), piece(new Burden(), 'second'), piece(new Burden(40), 'vera')]
  pieces.push(piece(new Burden(1), 'later'), piece(new Burden(1), 'last'))
  await Promise.all(pieces)
  expect(done.indexOf('vera')).toBeLessThan(done.indexOf('later'))
})

it('has only so many under way that wait for something else, and goes on after one that fails', async () => {
  const timeSlices = new TimeSlices(4, 3)
  let running = 0
  let most = 0
  const work = async (index: number): Promise<void> => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setTimeout(resolve, 5))
    running--
    if (index % 4 === 0) throw new Error('the database is away')
  }
  const ends = await Promise.allSettled(Array.from({ length: 12 }, (_, index) => timeSlices.take(new Burden(), () => work(index))))
  expect(most).toBe(3)
  expect(ends.filter(({ status }) => status === 'rejected').length).toBe(3)
})

it('leaves the loop at rest while all that may be under way waits for something else', async () => {
  const timeSlices = new TimeSlices(4, 2)
  let answer = (): void => {}
  const answered = new Promise<void>((resolve) => (answer = resolve))
  const doing = Promise.all([1, 2, 3].map(() => timeSlices.take(new Burden(), () => answered)))
  await new Promise((resolve) => setTimeout(resolve, 20))
  // More than once where the machine is busy otherwise: a loop that is kept turning never has any rest.
  const share = async (): Promise<number> => {
    const before = performance.eventLoopUtilization()
    await new Promise((resolve) => setTimeout(resolve, 200))
    return performance.eventLoopUtilization(before).utilization
  }
  await expect.poll(share).toBeLessThan(0.5)
  answer()
  await doing
})
