DROP TABLE goods_return;
DROP TABLE serial_event;
DROP TABLE licence_serial;
