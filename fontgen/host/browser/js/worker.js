// The entry point of the worker: messages {id, method, parameters} to Service, and {id, result} or {id, error} back, one
// after the other.

import { Service } from "./service.js";

const service = new Service();

let answered = Promise.resolve();

self.onmessage = ({ data }) => {
  answered = answered.then(() => answer(data));
};

async function answer({ id, method, parameters }) {
  try {
    self.postMessage({ id, result: await service[method](parameters) });
  } catch (error) {
    self.postMessage({ id, error: String(error?.message ?? error) });
  }
}
