/**
 * The nearest `lang` above an element, or the browser's language. A page in English says nothing about how its readers write numbers and dates, so where the browser's language is a
 * kind of the page's (English of Britain on a page in English), it counts.
 */
export function pageLanguage(element: Element, browser: string = navigator.language): string {
  const page = element.closest('[lang]')?.getAttribute('lang') || document.documentElement.lang
  return page === '' || browser.toLowerCase().startsWith(`${page.toLowerCase()}-`) ? browser : page
}
