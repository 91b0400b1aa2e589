import type { PicklistValue } from './field.js'

/** One stage of the standard sales process with what Salesforce ships for it: probability in percent and forecast category. */
export interface OpportunityStage {
  readonly stage: string
  readonly probability: string
  readonly forecast: 'Pipeline' | 'Best Case' | 'Commit' | 'Closed' | 'Omitted'
  readonly closed: boolean
}

export const opportunityStages: readonly OpportunityStage[] = [
  { stage: 'Prospecting', probability: '10', forecast: 'Pipeline', closed: false },
  { stage: 'Qualification', probability: '10', forecast: 'Pipeline', closed: false },
  { stage: 'Needs Analysis', probability: '20', forecast: 'Pipeline', closed: false },
  { stage: 'Value Proposition', probability: '50', forecast: 'Pipeline', closed: false },
  { stage: 'Id. Decision Makers', probability: '60', forecast: 'Pipeline', closed: false },
  { stage: 'Perception Analysis', probability: '70', forecast: 'Best Case', closed: false },
  { stage: 'Proposal/Price Quote', probability: '75', forecast: 'Best Case', closed: false },
  { stage: 'Negotiation/Review', probability: '90', forecast: 'Commit', closed: false },
  { stage: 'Closed Won', probability: '100', forecast: 'Closed', closed: true },
  { stage: 'Closed Lost', probability: '0', forecast: 'Omitted', closed: true },
]

export const stagePicklist = listValues(opportunityStages.map(({ stage }) => stage))

export const forecastPicklist = listValues(['Omitted', 'Pipeline', 'Best Case', 'Commit', 'Closed'])

export const opportunityTypePicklist = listValues([
  'Existing Customer - Upgrade',
  'Existing Customer - Replacement',
  'Existing Customer - Downgrade',
  'New Customer',
])

export const leadStatusPicklist = listValues([
  'Open - Not Contacted',
  'Working - Contacted',
  'Closed - Converted',
  'Closed - Not Converted',
])

export const leadSourcePicklist = listValues(['Web', 'Phone Inquiry', 'Partner Referral', 'Purchased List', 'Other'])

export const ratingPicklist = listValues(['Hot', 'Warm', 'Cold'])

export const salutationPicklist = listValues(['Mr.', 'Ms.', 'Mrs.', 'Dr.', 'Prof.', 'Mx.'])

export const industryPicklist = listValues([
  'Agriculture',
  'Apparel',
  'Banking',
  'Biotechnology',
  'Chemicals',
  'Communications',
  'Construction',
  'Consulting',
  'Education',
  'Electronics',
  'Energy',
  'Engineering',
  'Entertainment',
  'Environmental',
  'Finance',
  'Food & Beverage',
  'Government',
  'Healthcare',
  'Hospitality',
  'Insurance',
  'Machinery',
  'Manufacturing',
  'Media',
  'Not For Profit',
  'Recreation',
  'Retail',
  'Shipping',
  'Technology',
  'Telecommunications',
  'Transportation',
  'Utilities',
  'Other',
])

/** Makes picklist values whose label is the value itself. */
export function listValues(values: readonly string[]): readonly PicklistValue[] {
  return values.map((value) => ({ value, label: value }))
}
