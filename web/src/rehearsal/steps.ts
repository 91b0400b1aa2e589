import { cutAndMend, editBoth } from './edits.js'
import type { Orgs } from './orgs.js'
import { bothViews, connectionOf, importedOf, pairsOf } from './reading.js'
import { partnerAcceptance, vendorProposal } from './terms.js'
import type { Places, Stage } from './stage.js'
import { until } from './until.js'

/** The guide's own memory over a reload: facts that the engines do not keep. */
export interface Memory {
  readonly edited: boolean
  readonly caughtUp: boolean
}

export interface Step {
  readonly title: string
  readonly text: string
  /** The actions of a person in order, each with its side. */
  readonly byHand: readonly (readonly ['vendor' | 'partner', string])[]
  readonly places: (orgs: Orgs) => Places
  /** For each side, the names of the things that a person uses now: the first of them that is there. */
  readonly things: (orgs: Orgs) => readonly (readonly ['vendor' | 'partner', readonly string[]])[]
  readonly isDone: (orgs: Orgs, memory: Memory) => boolean
  readonly run: (stage: Stage) => Promise<void>
}

export const steps: readonly Step[] = [
  {
    title: 'Invite and accept',
    text: 'The vendor makes a link that works once. The partner accepts it, and both orgs exchange keys through the relay, which sees none of them.',
    byHand: [
      ['vendor', 'Make an invitation, and copy its link.'],
      ['partner', 'Paste the link and accept.'],
    ],
    places: () => ({ vendor: 'connections', partner: 'connections' }),
    things: () => [
      ['vendor', ['Invitation link', 'Make an invitation']],
      ['partner', ['The link that the vendor’s admin sent you']],
    ],
    isDone: (orgs) => connectionOf(orgs) !== undefined,
    async run({ orgs, say }) {
      const { vendor, partner } = orgs
      const open = vendor.connections.list().find((connection) => connection.invitation !== undefined && connection.state === 'Pending')
      const { invitation } = open ?? (await vendor.connections.invite(new URL(`workspace.html${location.search}`, location.href).href))
      if (invitation && partner.connections.list().length === 0) await partner.connections.accept(invitation.link)
      say('The two browsers exchange keys …')
      await until('both sides’ keys', [vendor, partner], () => connectionOf(orgs) !== undefined)
    },
  },
  {
    title: 'Compare the codes',
    text: 'Both screens show the same twelve digits, unless somebody sits in between. Until both people have said so, no value leaves either org.',
    byHand: [
      ['vendor', 'Compare the code with the partner’s, and confirm.'],
      ['partner', 'Do the same.'],
    ],
    places: () => ({ vendor: 'connections', partner: 'connections' }),
    things: () => [
      ['vendor', ['They are the same', 'Code to compare']],
      ['partner', ['They are the same', 'Code to compare']],
    ],
    isDone: (orgs) => bothViews(orgs).every((view) => view?.verified === 'yes' && view.state === 'Enabled'),
    async run({ orgs }) {
      const connection = connectionOf(orgs)
      if (!connection) throw new Error('The orgs are not connected yet: do step 1 first.')
      for (const engine of [orgs.vendor, orgs.partner]) {
        if (engine.connections.get(connection.id)?.verified === 'no') await engine.connections.compareCodes(connection.id, true)
      }
      await until('both to be enabled', [orgs.vendor, orgs.partner], () =>
        bothViews(orgs).every((view) => view?.state === 'Enabled' && view.verified === 'yes'),
      )
    },
  },
  {
    title: 'Agree on fields',
    text: 'The vendor proposes which fields travel, and which at most ten keep updating. The partner takes what it wants into its own fields, stages mapped to its own.',
    byHand: [
      ['vendor', 'Tick fields under Agreement, and propose.'],
      ['partner', 'Map them to your own fields, and accept.'],
    ],
    places: () => ({ vendor: 'agreement', partner: 'agreement' }),
    things: () => [
      ['vendor', ['Fields of Opportunities', 'Agreed fields']],
      ['partner', ['Offered fields', 'Agreed fields', 'No proposal yet']],
    ],
    isDone: (orgs) => {
      const id = connectionOf(orgs)?.id
      return id !== undefined && [orgs.vendor, orgs.partner].every((engine) => engine.agreements.get(id)?.effective !== undefined)
    },
    async run({ orgs: { vendor, partner }, orgs, say }) {
      const id = connectionOf(orgs)?.id
      if (id === undefined) throw new Error('The orgs are not connected yet: do step 1 first.')
      if (vendor.agreements.get(id)?.proposal === undefined) await vendor.agreements.propose(id, vendorProposal(vendor))
      say('The proposal is on its way …')
      await until('the proposal', [vendor, partner], () => partner.agreements.get(id)?.proposal !== undefined)
      const { proposal, effective } = partner.agreements.get(id) ?? {}
      if (proposal && !effective) await partner.agreements.accept(id, partnerAcceptance(proposal))
      say('The vendor’s browser checks the acceptance …')
      await until('the agreement', [vendor, partner], () => vendor.agreements.get(id)?.effective !== undefined)
    },
  },
  {
    title: 'Share and grant',
    text: 'A sharing rule says which records the partner sees at all. A grant says which of the partner’s people may export them.',
    byHand: [
      ['vendor', 'Add a condition under Sharing, and save the rule.'],
      ['vendor', 'Under People, grant export to Paul.'],
    ],
    places: (orgs) => ({ vendor: sharesNothing(orgs) ? 'sharing/Opportunity' : 'people', partner: 'site/Opportunity' }),
    things: (orgs) => (sharesNothing(orgs) ? [['vendor', ['Save the rule', 'Add a condition']]] : [['vendor', ['Grant', 'Revoke']]]),
    isDone: (orgs) => {
      const id = connectionOf(orgs)?.id
      return (
        id !== undefined &&
        orgs.partner.site.obstacle(id) === undefined &&
        (orgs.partner.site.listings(id, 'Opportunity').total > 0 || importedOf(orgs.partner).length > 0)
      )
    },
    async run({ orgs: { vendor, partner }, orgs, say }) {
      const id = connectionOf(orgs)?.id
      if (id === undefined) throw new Error('The orgs are not connected yet: do step 1 first.')
      const open = ['Qualification', 'Needs Analysis', 'Value Proposition', 'Proposal/Price Quote', 'Negotiation/Review']
      const condition = { field: 'StageName', operator: 'oneOf' as const, value: open }
      if (vendor.sharing.visible(id, 'Opportunity').length === 0) {
        await vendor.sharing.setRule(id, 'Opportunity', { match: 'all', conditions: [condition], added: [], hidden: [] })
      }
      say('Listings go to the partner, sealed …')
      await until('the partner’s people', [vendor], () => vendor.people.list(id).length > 0)
      if (!vendor.people.list(id).some((person) => person.id === partner.user.id && person.granted))
        await vendor.people.grant(id, partner.user.id)
      await until(
        'the listings',
        [vendor, partner],
        () => partner.site.obstacle(id) === undefined && partner.site.listings(id, 'Opportunity').total > 0,
      )
    },
  },
  {
    title: 'Export some',
    text: 'The partner chooses records on the vendor’s site. Each becomes an independent copy in the partner’s org, with the partner’s own labels and stages.',
    byHand: [['partner', 'Choose a few rows on the partner site, and export.']],
    places: () => ({ vendor: 'records/Opportunity', partner: 'site/Opportunity' }),
    things: () => [['partner', ['Shared opportunities', 'Export']]],
    isDone: (orgs) => importedOf(orgs.partner).length > 0,
    async run({ orgs: { vendor, partner }, orgs, say }) {
      const id = connectionOf(orgs)?.id
      if (id === undefined) throw new Error('The orgs are not connected yet: do step 1 first.')
      const { listings } = partner.site.listings(id, 'Opportunity', { sort: [{ field: 'Amount', direction: 'descending' }] })
      const chosen = listings.filter((listing) => listing.copy === undefined).slice(0, 8)
      const job = await partner.site.export(
        id,
        'Opportunity',
        chosen.map((listing) => listing.id),
      )
      say('The vendor’s browser checks each request, and sends a sealed package …')
      await until('the export', [vendor, partner], () => partner.site.jobs().some((view) => view.id === job && view.done))
    },
  },
  {
    title: 'Edit on both sides',
    text: 'Each side works on its own record. The other sees it in a mirror that nobody can edit; nobody’s own record is ever touched.',
    byHand: [
      ['vendor', 'Change Stage or Next Step of an exported record, and save.'],
      ['partner', 'Change something in your copy. The vendor’s mirror appears with it.'],
    ],
    places: pairPlaces,
    things: () => [
      ['vendor', ['Next Step']],
      ['partner', ['Next Action', 'Next Step']],
    ],
    isDone: (_orgs, memory) => memory.edited || memory.caughtUp,
    run: editBoth,
  },
  {
    title: 'Cut the wire',
    text: 'Cut both lines, edit on both sides, and see the changes wait on the devices. Mend them, and both catch up without a click.',
    byHand: [
      ['vendor', 'Cut the wire above, and edit.'],
      ['partner', 'Cut it too, and edit. Then mend both.'],
    ],
    places: pairPlaces,
    things: () => [
      ['vendor', ['Cut the wire', 'Mend the wire']],
      ['partner', ['Cut the wire', 'Mend the wire']],
    ],
    isDone: (_orgs, memory) => memory.caughtUp,
    run: cutAndMend,
  },
]

function sharesNothing(orgs: Orgs): boolean {
  const id = connectionOf(orgs)?.id
  return id === undefined || orgs.vendor.sharing.visible(id, 'Opportunity').length === 0
}

function pairPlaces(orgs: Orgs): Places {
  const [pair] = pairsOf(orgs, 1)
  return pair
    ? { vendor: `record/Opportunity/${pair.record}`, partner: `record/Opportunity/${pair.copy}` }
    : { vendor: 'records/Opportunity', partner: 'records/Opportunity' }
}
