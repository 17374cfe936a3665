DROP TABLE crossing;
DROP TABLE consignment_event;
