/** Requests that one connection may have sent before the first of them is answered. Browsers, probes and proxies send one. */
export const pipelineLength = 8

const endOfHead = '\r\n\r\n'

/**
 * Listens to a connection before Node's parser does, which would parse thousands of requests in one go: where more of them come together than may, it gets
 * bytes that are no request, refuses them with 400 and closes the connection.
 */
export function refusePipeline(chunk: Buffer): void {
  let heads = 0
  for (let at = chunk.indexOf(endOfHead); at >= 0 && heads <= pipelineLength; at = chunk.indexOf(endOfHead, at + endOfHead.length)) heads++
  if (heads > pipelineLength) chunk.fill(0)
}
