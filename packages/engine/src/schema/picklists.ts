import type { PicklistValue } from './field.js'

/** One stage of Salesforce's standard sales process: its probability in percent, and its forecast category. */
export interface OpportunityStage {
  readonly stage: string
  readonly probability: string
  readonly forecast: 'Pipeline' | 'Best Case' | 'Commit' | 'Closed' | 'Omitted'
  readonly closed: boolean
}

/** The stages of Salesforce's standard sales process, in order. */
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

/** Salesforce's standard values of Opportunity.StageName. */
export const stagePicklist = listValues(opportunityStages.map(({ stage }) => stage))

/** Salesforce's standard values of Opportunity.ForecastCategoryName. */
export const forecastPicklist = listValues(['Omitted', 'Pipeline', 'Best Case', 'Commit', 'Closed'])

/** Salesforce's standard values of Opportunity.Type. */
export const opportunityTypePicklist = listValues([
  'Existing Customer - Upgrade',
  'Existing Customer - Replacement',
  'Existing Customer - Downgrade',
  'New Customer',
])

/** Salesforce's standard values of Lead.Status. */
export const leadStatusPicklist = listValues([
  'Open - Not Contacted',
  'Working - Contacted',
  'Closed - Converted',
  'Closed - Not Converted',
])

/** Salesforce's standard values of LeadSource of both objects. */
export const leadSourcePicklist = listValues(['Web', 'Phone Inquiry', 'Partner Referral', 'Purchased List', 'Other'])

/** Salesforce's standard values of Lead.Rating. */
export const ratingPicklist = listValues(['Hot', 'Warm', 'Cold'])

/** Salesforce's standard values of Lead.Salutation. */
export const salutationPicklist = listValues(['Mr.', 'Ms.', 'Mrs.', 'Dr.', 'Prof.', 'Mx.'])

/** Salesforce's standard values of Lead.Industry. */
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
