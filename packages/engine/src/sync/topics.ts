import type { Topic } from '../api/index.js'

/** Which reads may show something else after a change of a row of this object. */
const topicsByObject: Readonly<Record<string, readonly Topic[]>> = {
  Lead: ['records', 'sharing'],
  Opportunity: ['records', 'sharing'],
  Field: ['records', 'agreements'],
  Schema: ['records', 'agreements'],
  Invitation: ['connections'],
  Connection: ['connections', 'mirrors', 'site'],
  Agreement: ['agreements', 'site', 'mirrors'],
  RecordMap: ['records', 'mirrors', 'site'],
  SharingRule: ['sharing'],
  Grant: ['people', 'site'],
  User: ['people'],
  Setting: ['people'],
  Export: ['site'],
  Mirror: ['mirrors'],
}

const everything: readonly Topic[] = ['connections', 'agreements', 'people', 'site', 'mirrors']

/** Rows of objects that no one reads by themselves (messages, keys) change nothing on a page. */
export function topicsOfObject(object: string): readonly Topic[] {
  return topicsByObject[object] ?? []
}

/** A feed's topic decides what a change in it may show: messages bring decisions of every kind, docs bring mirrors. */
export function topicsOfFeed(feed: string): readonly Topic[] {
  return feed.endsWith('/messages') ? everything : ['mirrors']
}
