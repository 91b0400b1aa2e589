import vectors from '@entente/protocol/vectors/recovery-kit.json' with { type: 'json' }
import { describe, expect, it } from 'vitest'
import { MemoryNetwork, openMemoryOrg } from '../testing/index.js'
import { openAnotherDevice } from '../testing/org.js'
import { identityKey, type StoredIdentity } from '../identity/identity.js'
import { openKit, sealKit } from '../identity/recovery-kit.js'

describe('the recovery kit', () => {
  it('[RK2, RK3] holds the root key alone once Vera has brought file and passphrase back, and her org works on', async () => {
    const network = new MemoryNetwork()
    const vera = await openMemoryOrg(network)
    await network.settle()
    expect(vera.recovery.status()).toEqual({ kit: 'missing', savedAt: undefined, age: 'known' })
    expect(await rootIn(vera)).toBeDefined()
    const { file, passphrase } = await vera.recovery.makeKit()
    expect(await rootIn(vera)).toBeDefined()
    await vera.recovery.confirmKit(file, ` ${passphrase.toLowerCase().replaceAll('-', ' ')}`)
    expect(vera.recovery.status()).toMatchObject({ kit: 'saved' })
    expect(await rootIn(vera)).toBeUndefined()
    expect(JSON.stringify(await vera.store.get([identityKey]))).not.toContain((await openKit(file, passphrase)).recovery)
    await expect(vera.recovery.makeKit()).rejects.toMatchObject({ code: 'NOT_ALLOWED' })

    await vera.close()
    const again = await openMemoryOrg(network, { store: vera.store.reopen() })
    await network.settle()
    expect(again.recovery.status().kit).toBe('saved')
    const colleague = await openAnotherDevice(network, again, { userName: 'Victor' })
    await network.settle()
    expect(colleague.sync.status().state).toBe('online')
    expect(await rootIn(colleague)).toBeUndefined()
  })

  it('[RK3, ID4] goes with the first session where no relay has seen the org: its roster is signed once more by the relay’s clock', async () => {
    const network = new MemoryNetwork()
    const vera = await openMemoryOrg(network, { skew: 86_400_000, cut: true })
    const { file, passphrase } = await vera.recovery.makeKit()
    await vera.recovery.confirmKit(file, passphrase)
    const founded = vera.identity.founding
    expect(await rootIn(vera)).toBeDefined()
    vera.sync.mend()
    await network.settle()
    expect(vera.sync.status().state).toBe('online')
    expect(vera.identity.founding).not.toBe(founded)
    expect(await rootIn(vera)).toBeUndefined()
  })

  it('[RK1, RK2] stays closed to another passphrase, and what is no kit of this org changes nothing', async () => {
    const network = new MemoryNetwork()
    const [vera, paul] = [await openMemoryOrg(network), await openMemoryOrg(network, { orgName: 'Pine', userName: 'Paul' })]
    const { file, passphrase } = await vera.recovery.makeKit()
    const pauls = await paul.recovery.makeKit()
    const kit = JSON.parse(file) as Record<string, unknown> & { readonly scrypt: object }
    const refused: readonly (readonly [string, string])[] = [
      [file, pauls.passphrase],
      [file, passphrase.slice(1)],
      [file, ''],
      [pauls.file, pauls.passphrase],
      ['', passphrase],
      ['{}', passphrase],
      ['null', passphrase],
      [' '.repeat(20_000), passphrase],
      // Whoever changes what stands beside the seal opens nothing, and no file keeps the page busy.
      [JSON.stringify({ ...kit, name: 'Pine' }), passphrase],
      [JSON.stringify({ ...kit, org: paul.org.id }), passphrase],
      [JSON.stringify({ ...kit, scrypt: { ...kit.scrypt, N: 2 ** 30 } }), passphrase],
      [JSON.stringify({ ...kit, scrypt: { ...kit.scrypt, N: 30_000 } }), passphrase],
      [JSON.stringify({ ...kit, sealed: 'A'.repeat(200) }), passphrase],
    ]
    for (const [asked, by] of refused) await expect(vera.recovery.confirmKit(asked, by)).rejects.toMatchObject({ code: 'INVALID' })
    expect(vera.recovery.status().kit).toBe('missing')
    expect(await rootIn(vera)).toBeDefined()
  })

  it('[RK3] is not a file that someone else sealed for this org: it takes no root key away, before and after the kit was saved', async () => {
    const network = new MemoryNetwork()
    const vera = await openMemoryOrg(network)
    await network.settle()
    const { file, passphrase } = await vera.recovery.makeKit()
    const other = Buffer.alloc(32, 7).toString('base64url')
    const random = (count: number): Uint8Array => new Uint8Array(count).fill(3)
    const forged = await sealKit(vera.org, { root: other, recovery: other, team: other }, 0, random)
    await expect(vera.recovery.confirmKit(forged.file, forged.passphrase)).rejects.toMatchObject({ code: 'INVALID' })
    expect(vera.recovery.status().kit).toBe('missing')
    expect(await rootIn(vera)).toBeDefined()
    await vera.recovery.confirmKit(file, passphrase)
    await expect(vera.recovery.confirmKit(forged.file, forged.passphrase)).rejects.toMatchObject({ code: 'INVALID' })
    await vera.recovery.confirmKit(file, passphrase)
  })

  it('[RK3] is for admins', async () => {
    const network = new MemoryNetwork()
    const vera = await openMemoryOrg(network)
    await network.settle()
    const member = await openAnotherDevice(network, vera, { userName: 'Victor', role: 'member' })
    await expect(member.recovery.makeKit()).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await expect(member.recovery.confirmKit('{}', '')).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
  })

  it.each(vectors.kits)('[RK1, RK2] $name: opens as the vectors say', async ({ file, passphrase, secrets }) => {
    const opened = await openKit(JSON.stringify(file), passphrase).catch(() => null)
    if (secrets === null) expect(opened).toBeNull()
    else expect(opened).toEqual({ org: file.org, name: file.name, made: file.made, ...secrets })
  })
})

/** The private half of the org's root key, as far as this device's store has it. */
async function rootIn(org: {
  readonly store: { get(keys: readonly (typeof identityKey)[]): Promise<readonly unknown[]> }
}): Promise<unknown> {
  const [stored] = (await org.store.get([identityKey])) as readonly [StoredIdentity]
  return stored.root.privateKey ?? stored.recovery
}
