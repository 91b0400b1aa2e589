import { readFile } from 'node:fs/promises'
import { parseKey } from '@entente/protocol'
import { describe, expect, it } from 'vitest'
import { createKeyPair } from '../identity/keys.js'
import { connectionFeed } from '../replica/feed-role.js'
import { mapEdit, sampleConnection } from './sample-connection.js'
import { setup, stages } from './setup.js'
import { enabledConnection, lead } from './steps.js'

describe('the setup of Vera and Paul', () => {
  it('is one line, as its docstring shows', async () => {
    const { vera, paul, record, copy, settle } = await setup({ upTo: 'exported' })
    await paul.records.edit('Lead', copy, { Status: 'Working - Contacted' })
    await settle()
    const [mirror] = vera.mirrors.of('Lead', record)
    const status = mirror?.fields.find(({ name }) => name === 'Status')?.value
    expect(status).toBe('Working - Contacted')
    expect(await linesFrom('setup.test.ts', (await exampleOf('setup.ts'))[0])).toEqual(await exampleOf('setup.ts'))
  })

  it.each(stages)('comes up to the stage "%s" and no further', async (stage) => {
    const { vera, paul, connection, record, copy } = await setup({ upTo: stage })
    const id = enabledConnection(vera)?.id
    expect(connection).toBe(id)
    const reached = {
      opened: [vera, paul].every(({ sync }) => sync.status().state === 'online'),
      connected: id !== undefined && id === enabledConnection(paul)?.id,
      verified: id !== undefined && paul.site.obstacle(id)?.code !== 'NOT_VERIFIED',
      agreed: id !== undefined && paul.agreements.get(id)?.state === 'agreed',
      shared: id !== undefined && vera.sharing.rule(id, 'Lead') !== undefined,
      exported: record !== undefined && copy !== undefined && paul.records.get('Lead', copy)?.values['LastName'] === 'Ada',
    }
    expect(stages.filter((each) => reached[each])).toEqual(stages.slice(0, stages.indexOf(stage) + 1))
  })

  it('carries nothing between the orgs until the test turns the clock', async () => {
    const { vera, paul, connection, settle } = await setup({ upTo: 'shared' })
    await vera.records.create('Lead', lead('Ada'))
    expect(paul.site.listings(connection, 'Lead').total).toBe(0)
    await settle()
    expect(paul.site.listings(connection, 'Lead').total).toBe(1)
  })

  it('counts cryptography by its pieces and not by how long the machine takes, and waits for a timer without delay', async () => {
    const { clock, finish } = await setup()
    const before = clock.now()
    const pairs = finish(Promise.all(Array.from({ length: 30 }, () => createKeyPair())))
    expect(await pairs).toHaveLength(30)
    expect(clock.now() - before).toBeLessThan(300)
    const began = performance.now()
    await finish(new Promise<void>((resolve) => clock.after(10_000, resolve)))
    expect(performance.now() - began).toBeLessThan(9_000)
  })

  it('says what it waited for, and how the orgs stand, where that does not come about', async () => {
    const { vera, until } = await setup()
    vera.sync.cut()
    await expect(until('Vera is online', () => vera.sync.status().state === 'online', 3)).rejects.toThrow(
      /Vera is online\..*Vera of Vista: .*"offline".*Paul of Pine: .*"online"/,
    )
  })

  it('opens replicas without engines on request', async () => {
    const { vera, paul, settle } = await setup({ level: 'replica' })
    const map = parseKey('map-of-ada')
    await vera.rows.save([{ object: 'Lead', id: 'ada', values: { Name: 'Ada' } }, mapEdit(map, 'ada')])
    for (const { link } of [vera, paul]) link.start()
    await settle()
    const doc = paul.replica.peerDocs(connectionFeed(sampleConnection, 'vendor', 'lead')).get(map)
    expect(doc?.registers['0']?.[1]).toBe('Ada')
  })
})

/** The lines of the example in a file's docstring. */
async function exampleOf(file: string): Promise<readonly string[]> {
  const [, example = ''] = / \* ```ts\n([\s\S]*?) \* ```/.exec(await readFile(new URL(file, import.meta.url), 'utf8')) ?? []
  return example
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^ \* /, ''))
}

/** As many lines of a file as the example has, from the one that reads like this. */
async function linesFrom(file: string, first: string | undefined): Promise<readonly string[]> {
  const lines = (await readFile(new URL(file, import.meta.url), 'utf8')).split('\n').map((line) => line.trim())
  const start = lines.indexOf(first ?? '')
  return lines.slice(start, start + (await exampleOf('setup.ts')).length)
}
