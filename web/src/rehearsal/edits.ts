import { mirrored, pairsOf, type Pair } from './reading.js'
import type { Orgs } from './orgs.js'
import type { Places, Stage } from './stage.js'
import { seconds, until } from './until.js'

/** Both sides edit their own record of one pair, and each sees the other’s edit. */
export async function editBoth({ orgs, show, say }: Stage): Promise<void> {
  const { vendor, partner } = orgs
  const pair = somePair(orgs)
  show(placesOf(pair))
  say('Vera moves the deal on …')
  await vendor.records.edit('Opportunity', pair.record, { StageName: 'Negotiation/Review', NextStep: 'Send the final quote on Monday' })
  await until('the partner’s mirror', [partner], () => mirrored(partner, pair.copy, 'NextStep') === 'Send the final quote on Monday')
  await seconds(1)
  say('Paul notes his own next action …')
  await partner.records.edit('Opportunity', pair.copy, { NextStep: 'Walk through the quote with the buyer' })
  await until('the vendor’s mirror', [vendor], () => mirrored(vendor, pair.record, 'NextStep') === 'Walk through the quote with the buyer')
}

/** Both lines are cut, both sides edit, both lines are mended. */
export async function cutAndMend({ orgs, show, say }: Stage): Promise<void> {
  const { vendor, partner } = orgs
  const pair = somePair(orgs)
  const [vendorNote, partnerNote] = [`Signed off by purchasing (${clockTime()})`, `Delivery slot held (${clockTime()})`]
  show(placesOf(pair))
  try {
    vendor.sync.cut()
    partner.sync.cut()
    say('Both lines are cut. Each side goes on working …')
    await seconds(1.2)
    await vendor.records.edit('Opportunity', pair.record, { NextStep: vendorNote })
    await partner.records.edit('Opportunity', pair.copy, { NextStep: partnerNote })
    say('Both edits are saved, and wait on their devices …')
    await seconds(2.5)
  } finally {
    vendor.sync.mend()
    partner.sync.mend()
  }
  say('The lines are mended. Both catch up …')
  await until(
    'both mirrors',
    [vendor, partner],
    () => mirrored(partner, pair.copy, 'NextStep') === vendorNote && mirrored(vendor, pair.record, 'NextStep') === partnerNote,
  )
}

function somePair(orgs: Orgs): Pair {
  const [pair] = pairsOf(orgs, 1)
  if (!pair) throw new Error('Nothing is exported yet: do step 5 first.')
  return pair
}

function placesOf({ record, copy }: Pair): Places {
  return { vendor: `record/Opportunity/${record}`, partner: `record/Opportunity/${copy}` }
}

function clockTime(): string {
  return new Intl.DateTimeFormat(undefined, { timeStyle: 'short' }).format()
}
