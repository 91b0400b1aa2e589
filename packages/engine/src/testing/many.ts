import type { ConnectionId } from '@entente/protocol'
import { MemoryNetwork } from './network.js'
import { type MemoryOrg, openMemoryOrg } from './org.js'
import { agree, compareCodes, connect, type Connected, exportListed, grant, lead, share } from './steps.js'

/** An org around another one, and the connection of the two. */
export interface Neighbour {
  readonly org: MemoryOrg
  readonly connection: ConnectionId
}

export interface ManyOrgs {
  readonly vera: MemoryOrg
  /** In the order of their names. Each has copies of all of Vera's leads. */
  readonly partners: readonly Neighbour[]
  /** In the order of their names. Of each Vera has a copy of its one lead. */
  readonly vendors: readonly Neighbour[]
  /** All of them. */
  readonly all: readonly MemoryOrg[]
  readonly network: MemoryNetwork
  /** Until nothing travels between any of them. */
  settle(): Promise<void>
}

const partnerNames = ['Bramble Partners', 'Corvid Resale', 'Dunlin Traders']
const vendorNames = ['Egret Systems', 'Fennel Works']

/** Vera's org as vendor of up to three others and as partner of up to two, over one relay in memory: connected, agreed and exported. Vera has the lead of Ada of Acme. */
export async function setupMany({ partners = 3, vendors = 2 } = {}): Promise<ManyOrgs> {
  const network = new MemoryNetwork({})
  const vera = await openMemoryOrg(network, { orgName: 'Vista', userName: 'Vera' })
  const all: MemoryOrg[] = [vera]
  const neighbour = async (orgName: string, side: 'vendor' | 'partner'): Promise<Neighbour> => {
    const org = await openMemoryOrg(network, { orgName, userName: orgName.split(' ')[0] ?? '' })
    all.push(org)
    const [vendor, partner] = side === 'vendor' ? [org, vera] : [vera, org]
    if (side === 'vendor') await org.records.create('Lead', lead(`Of${orgName.split(' ')[0]}`))
    const connected: Connected = { network, vendor, partner, connection: await connect({ network, vendor, partner }) }
    await compareCodes(connected)
    await grant(connected)
    await agree(connected)
    await share(connected)
    await exportListed(connected)
    await network.settle(vendor, partner)
    return { org, connection: connected.connection }
  }
  await vera.records.create('Lead', lead('Ada'))
  const found: { partners: Neighbour[]; vendors: Neighbour[] } = { partners: [], vendors: [] }
  for (const name of partnerNames.slice(0, partners)) found.partners.push(await neighbour(name, 'partner'))
  for (const name of vendorNames.slice(0, vendors)) found.vendors.push(await neighbour(name, 'vendor'))
  await network.settle(...all)
  return { vera, ...found, all, network, settle: () => network.settle(...all) }
}
