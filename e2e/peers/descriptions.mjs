// The published descriptions as Prism serves them: read from beside the shipped configurations, unchanged but for what
// is set here in the open: published example documents where a description has none (or one that its own schema
// refuses), a few concrete paths whose answers differ (a job that has ended), and what is told in prose only.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'));
const shipped = (id, name) => read(`configs/partners/${id}/${name}`);
const document = (path) => read(`fixtures/peers/${path}`);
const json = (value) => ({ 'application/json': value });

/** The answer of an OpenAPI 3 operation is this document. */
function answers(operation, body, status = '200') {
  const answer = operation.responses[status];
  answer.content = json({ ...(answer.content?.['application/json'] ?? {}), example: body, examples: undefined });
}

function amazon() {
  const [orders, shipments, transactions] = ['vendorOrders.json', 'vendorShipments.json', 'vendorTransactionStatus.json']
    .map((name) => shipped('amazon-vendor', name));
  // The description's own example of a page lacks the "payload" that its schema has; the published sandbox answer has it.
  orders.paths['/vendor/orders/v1/purchaseOrders'].get.responses['200'].examples =
    json(document('amazon-sp/getPurchaseOrders.200.0.response.json'));
  // The published answer to a delivery note, which the description lacks.
  const confirmations = shipments.paths['/vendor/shipping/v1/shipmentConfirmations'];
  confirmations.post.responses['202'].examples = json(document('amazon-sp/SubmitShipmentConfirmations.202.0.response.json'));
  // The published example of a transaction is one that still runs. Two concrete paths beside it have ended.
  const [template, description] = Object.entries(transactions.paths)[0];
  const ended = (status, errors) => {
    const copy = structuredClone(description);
    delete copy.parameters;
    copy.get.parameters = [];
    copy.get.responses['200'].examples =
      json({ payload: { transactionStatus: { transactionId: 'ended', status, ...(errors ? { errors } : {}) } } });
    return copy;
  };
  return {
    ...orders,
    definitions: { ...shipments.definitions, ...transactions.definitions, ...orders.definitions },
    paths: {
      ...orders.paths,
      '/vendor/shipping/v1/shipmentConfirmations': confirmations,
      [template]: description,
      [template.replace('{transactionId}', 'ended-well')]: ended('Success'),
      [template.replace('{transactionId}', 'ended-badly')]: ended('Failure', [{ code: 'INVALID', message: 'The purchase order is closed.' }]),
    },
  };
}

function papinet() {
  const [one, three] = ['papiNet-API-1.2.0.json', 'papiNet-API-3.0.0.json'].map((name) => shipped('papinet', name));
  const example = (name) => document(`papinet/${name}.response.json`);
  const orders = structuredClone(one.paths['/orders'].get);
  const order = document('papinet/v1_order.D.5.json');
  answers(orders, { orders: [{ id: order.id, orderNumber: order.orderNumber, orderStatus: order.orderStatus, numberOfLineItems: 1 }], links: {} });
  answers(one.paths['/orders/{orderId}'].get, order);
  const { paths } = three;
  answers(paths['/supplier-orders'].get, example('v3_GW01_BW01.get-supplier-orders'));
  answers(paths['/supplier-orders/{supplierOrderId}'].get, example('v3_GW02_BW02.get-supplier-orders-supplierOrderId'));
  answers(paths['/logistics-delivery-notes'].get, example('v3_GW03_BW03.get-logistic-delivery-notes'));
  answers(paths['/logistics-delivery-notes/{logisticsDeliveryNoteId}'].get,
    example('v3_GW04_BW04.get-logistic-delivery-notes-logisticDeliveryNoteId'));
  return {
    ...three,
    // 1.2.0 and 3.0.0 share the name of one schema: that of 3.0.0, which says more, stands for both.
    components: {
      ...three.components,
      schemas: { ...one.components.schemas, ...three.components.schemas },
      securitySchemes: { basic: { type: 'http', scheme: 'basic' }, bearer: { type: 'http', scheme: 'bearer' } },
    },
    security: [{ bearer: [] }],
    paths: {
      ...paths,
      '/orders': { get: orders },
      '/orders/{orderId}': one.paths['/orders/{orderId}'],
      // The token endpoint is described in prose (1.2.0, order status, "Authentication"), and answers 201.
      '/tokens': {
        post: {
          security: [{ basic: [] }],
          requestBody: {
            required: true,
            content: {
              'application/x-www-form-urlencoded': {
                schema: { type: 'object', required: ['grant_type'], properties: { grant_type: { type: 'string', enum: ['client_credentials'] } } },
              },
            },
          },
          responses: {
            201: {
              description: 'Created',
              content: json({ example: { access_token: 'ef1bee66-8607-4f32-854c-76ff44763ab7', token_type: 'bearer', expires_in: 3600 } }),
            },
          },
        },
      },
    },
  };
}

function businessCentral() {
  const [sales, purchases] = ['orders-v1.json', 'purchases-v2.json'].map((name) => shipped('business-central', name));
  // The published examples show an order, and a line of another, and no ETag, which OData has in every entity: put
  // together here, as `$expand` gives them. The order is one that can still be answered.
  const line = { '@odata.etag': 'W/"JzE5OzI0MDsx"', ...document('ms-bc/purchaseorderline_get.1.json') };
  const order = {
    '@odata.etag': 'W/"JzIwOzg4NDsx"', ...document('ms-bc/purchaseorder_get.1.json'),
    fullyReceived: false, status: 'Open', lastModifiedDateTime: '2021-01-01T00:26:53.793Z', purchaseOrderLines: [line],
  };
  const company = '/companies({company_id})';
  const { paths } = purchases;
  answers(paths[`${company}/purchaseOrders`].get, { value: [order] });
  answers(paths[`${company}/purchaseOrders({purchaseOrder_id})`].get, order);
  answers(paths[`${company}/purchaseOrderLines({purchaseOrderLine_id})`].get, line);
  answers(paths[`${company}/purchaseOrderLines({purchaseOrderLine_id})`].patch, line);
  const of = (head, part, name) => ({ value: [{ ...document(`ms-bc/${head}`), [name]: [document(`ms-bc/${part}`)] }] });
  answers(paths[`${company}/purchaseReceipts`].get, of('purchasereceipt_get.1.json', 'purchasereceiptline_get.1.json', 'purchaseReceiptLines'));
  answers(paths[`${company}/salesShipments`].get, of('salesshipment_get.1.json', 'salesshipmentline_get.1.json', 'salesShipmentLines'));
  return {
    ...sales,
    components: { ...sales.components, schemas: { ...sales.components.schemas, ...purchases.components.schemas } },
    paths: { ...sales.paths, ...paths },
  };
}

function xero() {
  const description = shipped('xero', 'xero-purchaseorders.json');
  // The published orders are drafts and deleted ones. Those that are listed here have been authorised, so that there is
  // something to answer; asked for by its id, one has been answered, and one deleted.
  const page = document('xero/getPurchaseOrder.200.0.json');
  const order = { ...page.PurchaseOrders[0], Status: 'AUTHORISED' };
  const other = (number) => ({ PurchaseOrderNumber: `PO-000${number}`, PurchaseOrderID: order.PurchaseOrderID.replace(/.$/, number) });
  const holds = (...orders) => ({ ...page, PurchaseOrders: orders });
  const { paths } = description;
  answers(paths['/PurchaseOrders'].get, holds(order, { ...order, ...other(8) }, { ...order, ...other(9) }));
  const one = paths['/PurchaseOrders/{PurchaseOrderID}'];
  answers(one.get, holds({ ...order, SentToContact: true }));
  const deleted = structuredClone(one);
  answers(deleted.get, holds({ ...order, ...other(9), Status: 'DELETED' }));
  for (const method of ['get', 'post']) deleted[method].parameters = deleted[method].parameters.filter((p) => !p.$ref.endsWith('/PurchaseOrderID'));
  paths[`/PurchaseOrders/${other(9).PurchaseOrderID}`] = deleted;
  return description;
}

function square() {
  const description = shipped('square', 'square-orders.json');
  const { paths, components: { schemas } } = description;
  // The published search finds three orders and names a next page, for ever; the published batch has one of them, without
  // the fields that every order has. Here the page is the last one, and the batch has the published whole order for each.
  const { order } = schemas.RetrieveOrderResponse.example;
  const found = schemas.SearchOrdersResponse.example.order_entries;
  const fulfillments = [{ uid: 'shipment', type: 'SHIPMENT', state: 'PROPOSED' }];
  answers(paths['/v2/orders/search'].post, { order_entries: found });
  answers(paths['/v2/orders/batch-retrieve'].post, { orders: found.map(({ order_id }) => ({ ...order, id: order_id, fulfillments })) });
  return description;
}

export const descriptions = { 'amazon-vendor': amazon, papinet, 'business-central': businessCentral, xero, square };
