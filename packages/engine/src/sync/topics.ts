import type { Topic } from '../api/index.js'

/** The reads that a change of a row of each object may affect. */
const topicsByObject: Readonly<Record<string, readonly Topic[]>> = {
  Lead: ['records', 'sharing'],
  Opportunity: ['records', 'sharing'],
  Field: ['records', 'agreements'],
  Schema: ['records', 'agreements'],
  Invitation: ['connections', 'devices'],
  Device: ['devices'],
  Connection: ['connections', 'mirrors', 'site'],
  Agreement: ['agreements', 'site', 'mirrors'],
  AgreementVersion: ['agreements'],
  Wish: ['agreements'],
  RecordMap: ['records', 'mirrors', 'site'],
  SharingRule: ['sharing'],
  Grant: ['people', 'site'],
  User: ['people', 'devices'],
  Setting: ['people', 'recovery', 'settings'],
  Export: ['site'],
  ExportRequest: ['site'],
  Mirror: ['mirrors'],
}

const everything: readonly Topic[] = ['connections', 'agreements', 'people', 'site', 'mirrors']

/** The next roster may give this device another role, and so change what its pages offer. */
export const topicsOfRoster: readonly Topic[] = [
  'devices',
  'people',
  'connections',
  'agreements',
  'sharing',
  'settings',
  'recovery',
  'site',
]

/** Rows that a page does not read, such as messages and keys, have no topics. */
export function topicsOfObject(object: string): readonly Topic[] {
  return topicsByObject[object] ?? []
}

/** The reads that a change in a feed may affect: messages bring decisions of every kind, docs bring mirrors. */
export function topicsOfFeed(feed: string): readonly Topic[] {
  return feed.endsWith('/messages') ? everything : ['mirrors']
}
