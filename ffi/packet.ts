/** Packet sockets' ring of received frames, in the form TPACKET_V3: packet(7), linux/if_packet.h. */

/** `enum tpacket_versions` */
export const TPACKET_V3 = 2;

// struct tpacket_block_desc: version 4, offset_to_priv 4, then struct tpacket_hdr_v1:
export const BLOCK_STATUS = 8;
export const NUM_PKTS = 12;
export const OFFSET_TO_FIRST_PKT = 16;
export const BLK_LEN = 20;
export const SEQ_NUM = 24;

export const TP_STATUS_KERNEL = 0;
export const TP_STATUS_USER = 1 << 0;

// struct tpacket3_hdr
export const TP_NEXT_OFFSET = 0;
export const TP_SEC = 4;
export const TP_NSEC = 8;
export const TP_SNAPLEN = 12;
export const TP_LEN = 16;
export const TP_STATUS = 20;
export const TP_MAC = 24;
/** `TPACKET_ALIGN(sizeof(struct tpacket3_hdr))`: there is the frame's struct sockaddr_ll. */
export const TPACKET3_HDR_SIZE = 48;

/** `tp_status`: a VLAN tag was taken out of the frame. */
export const TP_STATUS_VLAN_VALID = 1 << 4;

// struct sockaddr_ll
export const SLL_PROTOCOL = 2;
export const SLL_IFINDEX = 4;
export const SLL_HATYPE = 8;
export const SLL_PKTTYPE = 10;
export const SLL_HALEN = 11;
export const SLL_ADDR = 12;

/** `sll_pkttype`: linux/if_packet.h */
export const PACKET_OUTGOING = 4;
