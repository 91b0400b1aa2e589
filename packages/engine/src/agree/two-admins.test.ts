import { expect, it } from 'vitest'
import { setup } from '../testing/index.js'

it('[WD2, OB1, PA1] what two admins of Vera’s org withdraw, switch off and pause at once, each without a network, holds for both', async () => {
  const { vera, paul, connection, clock, settle, openAnotherDevice } = await setup({ upTo: 'exported' })
  const desk = await openAnotherDevice(vera, { userName: 'Ada', role: 'admin' })
  await settle()
  for (const org of [vera, desk]) org.sync.cut()
  await vera.agreements.withdraw(connection, 'Lead', ['Status'])
  clock.advance(1_000)
  await desk.agreements.withdraw(connection, 'Lead', ['Email'])
  await desk.agreements.switchObject(connection, 'Lead', false)
  clock.advance(1_000)
  await vera.agreements.switchObject(connection, 'Opportunity', false)
  await vera.connections.pause(connection)
  await desk.connections.pause(connection)
  desk.sync.mend()
  await settle()
  vera.sync.mend()
  await settle()
  for (const org of [vera, desk, paul]) {
    const view = org.agreements.get(connection)
    expect(view?.withdrawn.map(({ field }) => field.vendor.name).sort()).toEqual(['Email', 'Status'])
    expect(view?.off.map(({ object }) => object).sort()).toEqual(['Lead', 'Opportunity'])
    expect(org.connections.get(connection)?.why).toMatchObject({ what: 'paused' })
  }
})
